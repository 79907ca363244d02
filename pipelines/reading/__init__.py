"""Reading what people wrote: values of a configuration, times, registers."""

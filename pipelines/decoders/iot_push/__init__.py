"""What the platforms of the telecom operators push about NB-IoT devices: their envelopes.

Each decoder here unwraps one platform's envelope into the columns of one or more devices. What the
columns mean is the vendor's affair, and configuration: see
:mod:`pipelines.decoders.device_options`.
"""

"""What a store can be kept in, a file each; the list is in :mod:`pipelines.store.places`."""

"""What sensors and gateways publish through an MQTT broker."""

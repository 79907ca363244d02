"""What gateways of sensors publish by MQTT, in JSON or plain text."""

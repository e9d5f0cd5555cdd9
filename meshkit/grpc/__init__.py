"""gRPC servers and channels: layers, status codes, health, channelz. Certificates are in `identity/`."""

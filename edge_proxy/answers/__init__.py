"""What the edge answers itself: documents, OpenAPI, gRPC reflection, health, refusals. Answers of services pass through."""

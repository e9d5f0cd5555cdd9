"""Responses that the edge makes itself: documents, reflection, health and errors."""

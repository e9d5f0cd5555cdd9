"""The runtime that every service shares. It knows no service."""

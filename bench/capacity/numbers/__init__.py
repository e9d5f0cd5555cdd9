"""The numbers that the plan begins with, each with its source."""

"""What deploys lensfeed: the chart, rendered by Helm and checked as objects, and the Compose file."""

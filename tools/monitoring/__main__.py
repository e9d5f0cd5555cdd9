"""`python -m tools.monitoring`: write the Grafana dashboards to deploy/dashboards/."""

from tools.monitoring.files import FOLDER, texts


def main() -> None:
    """Write every dashboard."""
    for name, text in texts().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()

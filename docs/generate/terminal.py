"""`python -m docs.generate.terminal`: run the README's first session on a real mesh, and draw it as docs/terminal.svg."""

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

TARGET = Path(__file__).parents[1] / "terminal.svg"
WIDTH = 90
PROMPT = "$ "
# As `make dev` has them.
DEV = ("dev", "--port", "8080", "--base-port", "18049")
SESSION = """
say() { printf '\\n$ %s\\n' "$*"; }
echo 'correct horse' | lensfeed signup ada --name Ada --password-stdin > /dev/null
echo 'battery staple' | lensfeed signup ben --name Ben --password-stdin > /dev/null
lensfeed follow ada > /dev/null
echo 'correct horse' | lensfeed login ada --password-stdin > /dev/null
say "lensfeed post lake.jpg -m 'Morning at the lake'"
lensfeed post lake.jpg -m 'Morning at the lake'
echo 'battery staple' | lensfeed login ben --password-stdin > /dev/null
say 'lensfeed feed      # as ben, who follows ada'; lensfeed feed
"""


def main() -> None:
    """Record and draw."""
    lines = record()
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(Text(line, style="bold green" if line.startswith(PROMPT) else ""), highlight=False)
    drawn = console.export_svg(title="lensfeed", theme=DIMMED_MONOKAI, unique_id="terminal")
    # Without the fonts that it would load from elsewhere: every machine has a monospace of its own.
    TARGET.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL))


def record() -> list[str]:
    """Run the session on a mesh of its own, and return what a person sees of it."""
    with tempfile.TemporaryDirectory() as folder:
        Image.radial_gradient("L").resize((1600, 1200)).convert("RGB").save(Path(folder) / "lake.jpg")
        command = [str(Path(sys.executable).parent / "lensfeed"), *DEV, "--data", f"{folder}/data", "--exec", SESSION]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "XDG_STATE_HOME": f"{folder}/state"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    start, ready, rest = done.stdout.partition("\nready ")
    parts = [line for line in start.splitlines() if not line.startswith(" ")]  # without the list of addresses
    return [
        f"{PROMPT}make dev",
        *parts,
        "",
        *re.sub(r"\n{2,}", "\n\n", ready.strip() + " " + rest).strip().splitlines(),
    ]


if __name__ == "__main__":
    main()

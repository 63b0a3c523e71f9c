"""Entry point of the command `entrain`."""

from entrain.tray.cli import main

if __name__ == "__main__":
    main()

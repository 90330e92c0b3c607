"""The story of three people. Each part is a file with `run(stage)`; the list below is their order."""

import os
import sys
import time

from playwright.sync_api import sync_playwright

import admin
import consumer
import publisher
import setup
from stage import Stage

PARTS = [setup, publisher, consumer, admin]


def main():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ["PORTCULLIS_CHROMIUM"], args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        stage = Stage(browser)
        for part in PARTS:
            begun = time.time()
            try:
                part.run(stage)
            except Exception as problem:  # noqa: BLE001 - one part that ends early does not hide what others find
                stage.fault(f"{part.__name__}: {type(problem).__name__}: {problem}")
            print(f"-- {part.__name__}: {time.time() - begun:.1f} s", flush=True)
        browser.close()
    stage.validate()
    print(f"{len(stage.looked)} kinds of pages looked at, {len(stage.faults)} faults", flush=True)
    sys.exit(1 if stage.faults else 0)


if __name__ == "__main__":
    main()

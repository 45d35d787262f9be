"""Mail that comes without a pause, and what became of it, from inside the machine.

load.py send ADDRESS FOLDER: brings mail by port 25, as a server does that tries again
whatever was refused for now, until there is a file FOLDER/stop. What was accepted is in
FOLDER/accepted.

load.py check FOLDER MAILDIR KEYS: counts it, as JSON.
"""

import glob
import itertools
import json
import os
import re
import smtplib
import subprocess
import sys
import threading
import time

WORKERS = 4
PAUSE = 0.5


def send(address, folder):
    numbers = itertools.count()
    files = {name: open(f"{folder}/{name}", "w") for name in ("accepted", "unsure", "refused")}
    lock = threading.Lock()

    def note(name, why, number):
        with lock:
            print(number, why, file=files[name], flush=True)

    def bring(number):
        """What became of a mail, and why; None to try again."""
        begun = False
        try:
            with smtplib.SMTP("127.0.0.1", 25, timeout=60) as client:
                client.ehlo("load.example")
                code, text = client.mail("a@outside.example")
                if code == 250:
                    code, text = client.rcpt(address)
                if code >= 500:
                    return "refused", text
                if code >= 400:
                    return None
                begun = True
                code, text = client.data(
                    f"From: a@outside.example\r\nTo: {address}\r\nSubject: load {number}.\r\n\r\nBody {number}.\r\n"
                )
                if 400 <= code < 500:
                    return None
                return "accepted" if code == 250 else "refused", text
        except smtplib.SMTPResponseException as error:
            return ("refused", error.smtp_error) if error.smtp_code >= 500 else None
        except (OSError, smtplib.SMTPException) as error:
            # Whoever does not hear the answer to the end of a mail cannot know.
            return ("unsure", error) if begun else None

    def work():
        while not os.path.exists(f"{folder}/stop"):
            number = next(numbers)
            while (outcome := bring(number)) is None:
                time.sleep(0.5)
            note(*outcome, number)
            time.sleep(PAUSE)

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    open(f"{folder}/done", "w").close()


def check(folder, maildir, keys):
    def numbers(name):
        with open(f"{folder}/{name}") as file:
            return {int(line.split()[0]) for line in file}

    accepted, unsure = map(numbers, ("accepted", "unsure"))
    with open(f"{folder}/refused") as file:
        refused = file.read().splitlines()
    stored = {}
    for path in glob.glob(f"{maildir}/new/*") + glob.glob(f"{maildir}/cur/*"):
        with open(path, "rb") as file:
            found = re.search(rb"^Subject: load (\d+)\.\r?$", file.read(), re.MULTILINE)
        if found:
            stored.setdefault(int(found[1]), []).append(path)
    unreadable = 0
    for number, paths in stored.items():
        command = ["openssl", "cms", "-decrypt", "-in", paths[0]]
        command += ["-inkey", f"{keys}/key.pem", "-recip", f"{keys}/cert.pem"]
        inner = subprocess.run(command, capture_output=True, check=False).stdout
        unreadable += f"Body {number}.".encode() not in inner
    return {
        "enough": len(accepted) > 20,
        "refused": refused[:5],
        "missing": len(accepted - stored.keys()),
        "doubled": sum(len(paths) > 1 for paths in stored.values()),
        "foreign": len(stored.keys() - accepted - unsure),
        "unreadable": unreadable,
    }, {"accepted": len(accepted), "unsure": len(unsure)}


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "send":
        send(*arguments)
    else:
        result, counts = check(*arguments)
        print(json.dumps(counts), file=sys.stderr)
        print(json.dumps(result))

"""Opens the only message of the Maildir "box" in mutt and prints what it shows.

Reads "key" and "certificate" (PEM) in the working directory.
"""

import os
import pty
import select
import shutil
import sys
import time

DIRECTORY = os.getcwd()
RC = f"""
set folder="{DIRECTORY}/box"
set crypt_use_gpgme=no
set smime_is_default=yes
set smime_keys="{DIRECTORY}/keys"
set smime_certificates="{DIRECTORY}/certificates"
set smime_default_key="12345678.0"
set smime_decrypt_use_default_key=yes
set smime_decrypt_command="openssl cms -decrypt -passin stdin -inform DER -in %f -inkey %k -recip %c"
"""


def main():
    for folder, source in (("keys", "key"), ("certificates", "certificate")):
        os.mkdir(folder)
        shutil.copy(source, f"{folder}/12345678.0")
        with open(f"{folder}/.index", "w") as index:
            index.write("cat@example.com 12345678.0 cat ? t\n")
    with open("rc", "w") as rc:
        rc.write(RC)
    pid, terminal = pty.fork()
    if pid == 0:
        env = {"TERM": "xterm", "LC_ALL": "C.UTF-8", "HOME": DIRECTORY}
        env["PATH"] = os.environ["PATH"]
        os.execvpe("mutt", ["mutt", "-F", "rc", "-f", "box"], env)
    shown = b""

    def wait_for(text, seconds=30):
        nonlocal shown
        end = time.time() + seconds
        while text not in shown:
            if not select.select([terminal], [], [], max(0, end - time.time()))[0]:
                sys.exit(f"mutt does not show {text}: {shown}")
            shown += os.read(terminal, 65536)

    wait_for(b"Msgs:1")
    os.write(terminal, b"\r")
    wait_for(b"passphrase")
    os.write(terminal, b"\r")
    wait_for(b"End of S/MIME")
    os.write(terminal, b"ix")
    sys.stdout.buffer.write(shown)


if __name__ == "__main__":
    main()

"""What a customer's programs do, from inside the machine: API, SMTP and IMAP.

Usage: client.py COMMAND ARGUMENTS; prints JSON. Needs nothing but Python.
"""

import imaplib
import io
import json
import os
import random
import smtplib
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile

API = "http://127.0.0.1:4301/s2s/v1"
USER = "bf75acea-e7fd-437f-b91d-f3f56cdd57ad"
PASSWORD = "bundle-password"


def token():
    return subprocess.check_output(["encimap", "token", "--service"], text=True).strip()


def api(method, path, body=None, bearer=None):
    """One request; the status and the decoded or raw body."""
    request = urllib.request.Request(API + path, method=method)
    request.add_header("Authorization", "Bearer " + (bearer or token()))
    data = None
    if body is not None:
        request.add_header("Content-Type", "application/json")
        data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, data) as response:
            octets = response.read()
            if "json" in response.headers.get("Content-Type", ""):
                return response.status, json.loads(octets)
            return response.status, octets
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def ok(answer):
    status, body = answer
    if status not in (200, 201):
        raise SystemExit(f"API answers {status}: {body}")
    return body


def create(address, bearer=None):
    alias, domain = address.split("@")
    body = {"user_id": USER, "domain": domain, "alias": alias, "name": address}
    return ok(api("POST", "/vaultboxes", body, bearer))["data"]["vaultbox_id"]


def setup(address, folder):
    """A new vaultbox with both credentials and its key and certificate as PEM."""
    return equip(create(address), folder)


def equip(vaultbox, folder):
    """Both credentials of a vaultbox, and its key and certificate as PEM."""
    imap = ok(api("POST", f"/vaultboxes/{vaultbox}/imap-credentials", {}))["data"]
    smtp = ok(api("POST", f"/vaultboxes/{vaultbox}/smtp-credentials", {}))["data"]
    files = bundle(vaultbox, folder)
    for options, target in ((["-nocerts", "-nodes"], "key.pem"), (["-nokeys"], "cert.pem")):
        subprocess.check_call(
            ["openssl", "pkcs12", "-in", f"{folder}/certificate.p12", "-passin", f"pass:{PASSWORD}"]
            + options
            + ["-out", f"{folder}/{target}"]
        )
    return {
        "id": vaultbox,
        "username": imap["username"],
        "imapPassword": imap["password"],
        "smtpPassword": smtp["password"],
        "files": files,
    }


def bundle(vaultbox, folder):
    """Unpacks a vaultbox's bundle; returns the names in it."""
    octets = ok(api("POST", "/bundle", {"vaultbox_id": vaultbox, "password": PASSWORD}))
    files = zipfile.ZipFile(io.BytesIO(octets))
    files.extractall(folder)
    return sorted(files.namelist())


def renew(vaultbox, address, folder, key_type):
    """A new key, its bundle, and no more mail to the keys before."""
    before = ok(api("GET", f"/vaultboxes/{vaultbox}/certificates"))["data"]
    ok(api("POST", "/generate-certificate", {"email": address, "key_type": key_type}))
    files = bundle(vaultbox, folder)
    for certificate in before:
        ok(api("POST", f"/vaultboxes/{vaultbox}/certificates/{certificate['id']}/retire"))
    return files


class Imap(imaplib.IMAP4_SSL):
    """Comes from an address of its own: Dovecot lets one that has failed wait.

    SOURCE in the environment names one that stays.
    """

    def _create_socket(self, timeout):
        source = os.environ.get("SOURCE") or f"127.0.{random.randrange(256)}.{random.randrange(2, 255)}"
        sock = socket.create_connection((self.host, self.port), timeout, (source, 0))
        return self.ssl_context.wrap_socket(sock)


def login(username, password):
    """A session; while Dovecot cannot reach the database it is tried again."""
    for _ in range(60):
        client = Imap("127.0.0.1", 993, ssl_context=ssl._create_unverified_context())
        try:
            client.login(username, password)
            return client
        except imaplib.IMAP4.error as error:
            if "UNAVAILABLE" not in str(error):
                raise
            time.sleep(1)
    raise SystemExit("no login for a minute")


def find(client, subject):
    """Sequence number of the one message with the subject; waits for it."""
    for _ in range(150):
        client.select("INBOX", readonly=True)
        numbers = client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
        if numbers:
            assert len(numbers) == 1, f"{len(numbers)} messages"
            return numbers[0]
        time.sleep(0.2)
    raise SystemExit(f"no message {subject}")


def fetch(username, password, subject, target):
    """Writes the message as IMAP gives it; returns its envelope."""
    client = login(username, password)
    number = find(client, subject)
    octets = client.fetch(number, "(BODY.PEEK[])")[1][0][1]
    with open(target, "wb") as file:
        file.write(octets)
    envelope = client.fetch(number, "(ENVELOPE)")[1]
    client.logout()
    return repr(envelope)


def count(username, password):
    client = login(username, password)
    number = int(client.select("INBOX", readonly=True)[1][0])
    client.logout()
    return number


def mark(username, password):
    """What a customer does to his mail: flags, a keyword, a copy, an expunge."""
    client = login(username, password)
    client.select("INBOX")
    client.store("1", "+FLAGS", "(\\Seen \\Flagged cat-food)")
    client.copy("1", "Archive")
    client.store("2", "+FLAGS", "\\Deleted")
    client.expunge()
    client.subscribe("Archive")
    client.logout()


def state(username, password):
    """What a client remembers of a mailbox, and how far changes are counted."""
    client = login(username, password)
    remembered = {"subscribed": sorted(line.decode() for line in client.lsub()[1] if line)}
    counted = {}
    for folder in ("INBOX", "Archive"):
        status = client.status(folder, "(UIDNEXT UIDVALIDITY HIGHESTMODSEQ)")[1][0].decode()
        counts = dict(zip(*[iter(status.split("(")[1].rstrip(")").split())] * 2))
        client.select(folder, readonly=True)
        found = client.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE)")[1]
        messages = [" ".join(each.decode().replace("\\Recent", "").split()).replace(" )", ")") for each in found if each]
        remembered[folder] = [counts["UIDVALIDITY"], *messages]
        counted[folder] = counts
    client.logout()
    return {"remembered": remembered, "counted": counted}


def folders(username, password):
    client = login(username, password)
    return [line.decode() for line in client.list()[1]]


def try_login(username, password):
    try:
        login(username, password).logout()
        return "in"
    except imaplib.IMAP4.error:
        return "refused"


def hold(username, password, ready):
    """Logs in, says so in a file, waits until the server ends the session."""
    client = login(username, password)
    client.select("INBOX")
    client.sock.settimeout(60)
    open(ready, "w").close()
    line = client.readline()
    return line.decode().strip() or "closed"


def stay(username, password, ready, go):
    """Logs in, says so in a file, waits for another one, and uses the session."""
    client = login(username, password)
    client.select("INBOX")
    open(ready, "w").close()
    while not os.path.exists(go):
        time.sleep(0.1)
    return client.noop()[0]


def many(domain, number):
    """Creates vaultboxes, and sends each a mail as soon as it exists."""
    bearer = token()
    slowest = 0
    for each in range(int(number)):
        address = f"box{each}@{domain}"
        create(address, bearer)
        created = time.time()
        with smtplib.SMTP("127.0.0.1", 25) as client:
            client.sendmail(
                "sender@outside.example",
                [address],
                f"From: sender@outside.example\r\nTo: {address}\r\nSubject: box {each}\r\n\r\nHello {each}\r\n",
            )
        slowest = max(slowest, time.time() - created)
    return slowest


def envelope_size(address, octets):
    """The answer to MAIL with a declared size."""
    with smtplib.SMTP("127.0.0.1", 25) as client:
        client.ehlo("test.example")
        return client.docmd("MAIL", f"FROM:<{address}> SIZE={octets}")[0]


def submit(username, password, sender, recipient):
    """What the server answers to a mail on 587: 250, or the refusal."""
    context = ssl._create_unverified_context()
    source = f"127.1.{random.randrange(256)}.{random.randrange(2, 255)}"
    with smtplib.SMTP("127.0.0.1", 587, source_address=(source, 0)) as client:
        client.starttls(context=context)
        try:
            client.login(username, password)
            client.sendmail(sender, [recipient], f"From: {sender}\r\nSubject: submitted {time.time()}\r\n\r\nHi\r\n")
            return "250"
        except smtplib.SMTPRecipientsRefused as error:
            return str(list(error.recipients.values())[0])
        except smtplib.SMTPException as error:
            return str(error)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    functions = {
        "create": create,
        "setup": setup,
        "equip": equip,
        "renew": renew,
        "fetch": fetch,
        "count": count,
        "folders": folders,
        "mark": mark,
        "state": state,
        "login": try_login,
        "hold": hold,
        "stay": stay,
        "many": many,
        "size": envelope_size,
        "submit": submit,
        "api": lambda method, path, body="null": api(method, path, json.loads(body)),
    }
    print(json.dumps(functions[command](*arguments)))

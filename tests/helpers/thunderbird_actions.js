// What a user does and sees in Thunderbird, run inside it: tests/helpers/thunderbird.ts
// sends this file and calls one of its functions.
class Actions {
  /** Waits for a condition, two minutes at most; gives its value. */
  async until(what, condition) {
    for (const deadline = Date.now() + 120_000; Date.now() < deadline;) {
      const value = await condition();
      if (value) return value;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const windows = [...Services.wm.getEnumerator("")].map((window) =>
      window.location.href
    );
    throw new Error(
      `Not within two minutes: ${what}; windows: ${windows.join(" ")}`,
    );
  }

  module(path) {
    return ChromeUtils.importESModule(`resource:///modules/${path}.sys.mjs`);
  }

  get window() {
    return Services.wm.getMostRecentWindow("mail:3pane");
  }

  /** The pane of folders, the list of messages and the message. */
  about3Pane() {
    return this.until("the panes are there", () => {
      const pane = this.window?.document.getElementById("tabmail")
        ?.currentAbout3Pane;
      return pane?.threadTree && pane.folderTree && pane.messageBrowser &&
        pane;
    });
  }

  version() {
    return Services.appinfo.version;
  }

  /** Takes a server's certificate for TLS, as a user does in the dialog. */
  trustServer(host, port, certificate) {
    const database = Cc["@mozilla.org/security/x509certdb;1"]
      .getService(Ci.nsIX509CertDB);
    Cc["@mozilla.org/security/certoverride;1"]
      .getService(Ci.nsICertOverrideService)
      .rememberValidityOverride(
        host,
        port,
        {},
        database.constructX509FromBase64(certificate),
        false,
      );
  }

  /** Account hub, first step: name and address; gives what is shown as found. */
  async findConfiguration(name, address) {
    await this.about3Pane();
    const { window } = this;
    await this.until(
      "the account hub can be opened",
      () => window.openAccountHub,
    );
    await window.openAccountHub("MAIL");
    const hub = await this.until(
      "the account hub opens",
      () =>
        window.document.querySelector("account-hub-container")?.modal
          ?.querySelector("account-hub-email"),
    );
    const form = await this.until("its first step is there", () => {
      const step = hub.querySelector("#emailAutoConfigSubview");
      return !step.hidden && step.querySelector("#email") && step;
    });
    this.type(form.querySelector("#realName"), name);
    this.type(form.querySelector("#email"), address);
    await this.forward(hub);
    const found = await this.until("settings are found", () => {
      this.failOnNotification(hub);
      const step = hub.querySelector("#emailConfigFoundSubview");
      return !step.hidden && step.querySelector("#incomingHost")?.textContent &&
        step;
    });
    const text = (id) => found.querySelector(`#${id}`).textContent;
    const localized = (id) =>
      found.querySelector(`#${id}`).getAttribute("data-l10n-id");
    return {
      incoming: {
        type: text("incomingType"),
        host: text("incomingHost"),
        port: text("incomingPort"),
        username: text("incomingUsername"),
        security: localized("incomingSocketType"),
      },
      outgoing: {
        host: text("outgoingHost"),
        port: text("outgoingPort"),
        username: text("outgoingUsername"),
        security: localized("outgoingSocketType"),
      },
    };
  }

  /** Account hub, the rest: the password; returns when the account is there. */
  async addAccount(address, password) {
    const { window } = this;
    const hub = window.document.querySelector("account-hub-container").modal
      .querySelector("account-hub-email");
    await this.forward(hub);
    const form = await this.until("the password is asked for", () => {
      this.failOnNotification(hub);
      const step = hub.querySelector("#emailPasswordSubview");
      return !step.hidden && step.querySelector("#password") && step;
    });
    this.type(form.querySelector("#password"), password);
    await this.forward(hub);
    await this.until("the account is made", () => {
      this.failOnNotification(hub);
      return this.server(address);
    });
  }

  /** The account's server for IMAP. */
  server(address) {
    return this.module("MailServices").MailServices.accounts.allServers
      .find((one) => one.prettyName === address);
  }

  /** Certificates, Import; returns 0 if it worked. */
  importIdentity(path, password) {
    const file = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
    file.initWithPath(path);
    return Cc["@mozilla.org/security/x509certdb;1"]
      .getService(Ci.nsIX509CertDB).importPKCS12File(file, password);
  }

  /** Selects a message in the inbox; gives what its list and its pane show. */
  async read(address, messageId) {
    const server = this.server(address);
    const inbox = await this.until(
      "the inbox is there",
      () => server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox),
    );
    const pane = await this.about3Pane();
    if (pane.gFolder !== inbox) pane.displayFolder(inbox.URI);
    let asked = 0;
    const header = await this.until("the message is there", () => {
      const found = inbox.msgDatabase?.getMsgHdrForMessageID(messageId);
      if (!found && asked++ % 40 === 0) {
        inbox.getNewMessages(this.window.msgWindow, null);
      }
      return found;
    });
    const index = await this.until("the message is in the list", () => {
      const row = pane.gDBView?.findIndexOfMsgHdr(header, true) ?? -1;
      return row !== 0xffffffff && row >= 0 && { row };
    });
    const uri = pane.gDBView.getURIForViewIndex(index.row);
    const message = await this.until("the message's pane is there", () => {
      const { contentWindow, contentDocument } = pane.messageBrowser;
      return contentDocument.readyState === "complete" &&
        contentWindow.getMessagePaneBrowser && contentWindow;
    });
    const browser = () => message.getMessagePaneBrowser();
    const at = (start) =>
      browser().currentURI.spec.startsWith(start) &&
      !browser().webProgress?.isLoadingDocument;
    pane.threadTree.selectedIndex = -1;
    await this.until(
      "the message's pane is empty",
      () => message.gMessageURI !== uri && at("about:blank"),
    );
    pane.threadTree.selectedIndex = index.row;
    // A page of Thunderbird's own stands for one that cannot be decrypted.
    await this.until(
      "the message is shown",
      () =>
        message.gMessageURI === uri &&
        (at("data:") || message.msgLoaded &&
            browser().contentDocument?.readyState === "complete"),
    );
    // Signatures are verified after that.
    await this.until(
      "signatures are verified",
      () => message.gReceivedSignatureCount >= message.gExpectedSignatureCount,
    );
    const { document } = message;
    const icon = (id) => {
      const { hidden, src } = document.getElementById(id);
      return hidden ? null : /-([a-z]+)\.svg$/.exec(src)[1];
    };
    const technology = document.getElementById("encryptionTechBtn");
    return {
      listSubject: pane.gDBView.cellTextForColumn(index.row, "subjectCol"),
      subject: document.getElementById("expandedsubjectBox").value.textContent,
      body: this.textOf(browser()),
      technology: technology.hidden ? null : technology.textContent.trim(),
      encrypted: icon("encryptedHdrIcon"),
      signed: icon("signedHdrIcon"),
      attachments: await Promise.all(
        message.currentAttachments.map(async (attachment) => ({
          name: attachment.name,
          type: attachment.contentType,
          content: new Uint8Array(await attachment.fetchAttachment())
            .toBase64(),
        })),
      ),
    };
  }

  textOf(browser) {
    // Its own page, for what it cannot show, belongs to another process.
    const page = /^data:text\/html;base64,(.*)$/.exec(browser.currentURI.spec);
    if (page) {
      return new DOMParser().parseFromString(atob(page[1]), "text/html").body
        .textContent;
    }
    // Beside the parts there is a header for printing.
    const parts = browser.contentDocument.querySelectorAll(
      ".moz-text-plain, .moz-text-flowed, .moz-text-html",
    );
    return [...parts].map((part) => part.textContent.trim()).join("\n");
  }

  type(input, text) {
    input.value = text;
    input.dispatchEvent(new this.window.Event("input"));
  }

  failOnNotification(hub) {
    const error = [...hub.querySelectorAll(".account-hub-step")]
      .filter((step) => !step.hidden)
      .map((step) => step.shadowRoot?.querySelector("account-hub-header"))
      .map((header) =>
        header?.shadowRoot?.querySelector("#emailFormNotification.error")
      )
      .find((element) => element && !element.hidden);
    if (error) throw new Error(`Account hub says: ${error.textContent.trim()}`);
  }

  async forward(hub) {
    const button = await this.until("the button can be pressed", () => {
      const element = hub.querySelector("account-hub-footer #forward");
      return element && !element.disabled && !element.hidden && element;
    });
    button.click();
  }
}

globalThis.actions = new Actions();

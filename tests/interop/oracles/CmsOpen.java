import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.Recipient;
import org.bouncycastle.cms.RecipientId;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.RecipientInformationStore;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientId;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientId;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/**
 * Decrypts EnvelopedData and AuthEnvelopedData with Bouncy Castle.
 *
 * <p>Writes its version in the first line. Then, for each line that it reads (PKCS#12 file, its
 * password, ContentInfo in DER, output file, with tabs between them) it answers in one line: "ok",
 * or what is wrong.
 */
public class CmsOpen {
  /** By file name: to open one takes longer than to open a message. */
  private static final Map<String, KeyStore> STORES = new HashMap<>();

  public static void main(String[] args) throws Exception {
    BouncyCastleProvider provider = new BouncyCastleProvider();
    Security.addProvider(provider);
    System.out.println(provider.getVersionStr());
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String answer = "ok";
      try {
        open(line.split("\t"));
      } catch (Exception e) {
        answer = String.valueOf(e).replaceAll("\\s+", " ");
      }
      System.out.println(answer);
    }
  }

  private static void open(String[] task) throws Exception {
    char[] password = task[1].toCharArray();
    KeyStore store = STORES.get(task[0]);
    if (store == null) {
      store = KeyStore.getInstance("PKCS12", "BC");
      try (FileInputStream in = new FileInputStream(task[0])) {
        store.load(in, password);
      }
      STORES.put(task[0], store);
    }
    byte[] octets = Files.readAllBytes(Path.of(task[2]));
    boolean isAuthenticated =
        CMSObjectIdentifiers.authEnvelopedData.equals(
            ContentInfo.getInstance(octets).getContentType());
    RecipientInformationStore recipients =
        isAuthenticated
            ? new CMSAuthEnvelopedData(octets).getRecipientInfos()
            : new CMSEnvelopedData(octets).getRecipientInfos();
    for (String alias : Collections.list(store.aliases())) {
      if (!store.isKeyEntry(alias)) continue;
      PrivateKey key = (PrivateKey) store.getKey(alias, password);
      X509Certificate certificate = (X509Certificate) store.getCertificate(alias);
      boolean isRsa = "RSA".equals(certificate.getPublicKey().getAlgorithm());
      // Issuer and serial number of the certificate, never a guess by key.
      RecipientId id =
          isRsa ? new JceKeyTransRecipientId(certificate) : new JceKeyAgreeRecipientId(certificate);
      RecipientInformation recipient = recipients.get(id);
      if (recipient == null) continue;
      // By name: older versions have not all four classes.
      String name =
          "org.bouncycastle.cms.jcajce.JceKey"
              + (isRsa ? "Trans" : "Agree")
              + (isAuthenticated ? "Auth" : "")
              + "EnvelopedRecipient";
      Object with = Class.forName(name).getConstructor(PrivateKey.class).newInstance(key);
      with.getClass().getMethod("setProvider", String.class).invoke(with, "BC");
      Files.write(Path.of(task[3]), recipient.getContent((Recipient) with));
      return;
    }
    throw new Exception("not a recipient");
  }
}

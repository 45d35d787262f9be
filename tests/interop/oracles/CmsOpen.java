import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.util.Collections;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientId;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/**
 * Decrypts EnvelopedData with Bouncy Castle.
 *
 * <p>Arguments: PKCS#12 file, its password, ContentInfo in DER, output file.
 */
public class CmsOpen {
  public static void main(String[] args) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    char[] password = args[1].toCharArray();
    KeyStore store = KeyStore.getInstance("PKCS12", "BC");
    try (FileInputStream in = new FileInputStream(args[0])) {
      store.load(in, password);
    }
    CMSEnvelopedData data = new CMSEnvelopedData(Files.readAllBytes(Path.of(args[2])));
    for (String alias : Collections.list(store.aliases())) {
      if (!store.isKeyEntry(alias)) continue;
      PrivateKey key = (PrivateKey) store.getKey(alias, password);
      X509Certificate certificate = (X509Certificate) store.getCertificate(alias);
      // Issuer and serial number of the certificate, never a guess by key.
      RecipientInformation recipient =
          data.getRecipientInfos().get(new JceKeyTransRecipientId(certificate));
      if (recipient == null) continue;
      byte[] content =
          recipient.getContent(new JceKeyTransEnvelopedRecipient(key).setProvider("BC"));
      Files.write(Path.of(args[3]), content);
      return;
    }
    System.err.println("not a recipient");
    System.exit(3);
  }
}

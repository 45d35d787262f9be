import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.util.Collections;
import java.util.stream.Stream;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientId;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/**
 * Decrypts all EnvelopedData of a directory with Bouncy Castle.
 *
 * <p>Arguments: PKCS#12 file with one key, its password, directory. What is in NAME.der goes to
 * NAME.out.
 */
public class OpenAll {
  public static void main(String[] args) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    char[] password = args[1].toCharArray();
    KeyStore store = KeyStore.getInstance("PKCS12", "BC");
    try (FileInputStream in = new FileInputStream(args[0])) {
      store.load(in, password);
    }
    String alias = Collections.list(store.aliases()).get(0);
    PrivateKey key = (PrivateKey) store.getKey(alias, password);
    // Issuer and serial number of the certificate, never a guess by key.
    JceKeyTransRecipientId id =
        new JceKeyTransRecipientId((X509Certificate) store.getCertificate(alias));
    try (Stream<Path> files = Files.list(Path.of(args[2]))) {
      for (Path file : files.filter((each) -> each.toString().endsWith(".der")).toList()) {
        RecipientInformation recipient =
            new CMSEnvelopedData(Files.readAllBytes(file)).getRecipientInfos().get(id);
        byte[] content =
            recipient.getContent(new JceKeyTransEnvelopedRecipient(key).setProvider("BC"));
        Files.write(Path.of(file.toString().replaceAll("der$", "out")), content);
      }
    }
  }
}

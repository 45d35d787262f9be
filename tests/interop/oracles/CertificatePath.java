import java.io.FileInputStream;
import java.security.Security;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;

/**
 * Judges a certificate with the JDK's provider and with Bouncy Castle's: a path
 * from a root (RFC 5280 section 6), or a certificate that signs itself; the
 * address in its subjectAltName, extendedKeyUsage and the bits of keyUsage.
 *
 * Arguments: root, certificate, address, numbers of the bits with commas.
 */
public class CertificatePath {
  public static void main(String[] args) throws Exception {
    Security.addProvider(new org.bouncycastle.jce.provider.BouncyCastleProvider());
    for (String provider : List.of("SUN", "BC")) {
      CertificateFactory factory = CertificateFactory.getInstance("X.509", provider);
      X509Certificate root = read(factory, args[0]);
      X509Certificate certificate = read(factory, args[1]);
      X509CertSelector selector = new X509CertSelector();
      if (args[2].chars().allMatch(each -> each < 128)) {
        selector.addSubjectAlternativeName(1, args[2]);
      } else {
        // RFC 9598: otherName with SmtpUTF8Mailbox.
        var mailbox = new org.bouncycastle.asn1.ASN1EncodableVector();
        mailbox.add(new org.bouncycastle.asn1.ASN1ObjectIdentifier("1.3.6.1.5.5.7.8.9"));
        mailbox.add(new org.bouncycastle.asn1.DERTaggedObject(
            true, 0, new org.bouncycastle.asn1.DERUTF8String(args[2])));
        selector.addSubjectAlternativeName(
            0, new org.bouncycastle.asn1.DERSequence(mailbox).getEncoded());
      }
      selector.setExtendedKeyUsage(Set.of("1.3.6.1.5.5.7.3.4"));
      boolean[] usage = new boolean[9];
      for (String bit : args[3].split(",")) usage[Integer.parseInt(bit)] = true;
      selector.setKeyUsage(usage);
      if (!selector.match(certificate)) throw new Exception(provider + ": fields");
      certificate.checkValidity();
      if (root.equals(certificate)) {
        certificate.verify(certificate.getPublicKey());
      } else {
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
        parameters.setRevocationEnabled(false);
        CertPathValidator.getInstance("PKIX", provider)
            .validate(factory.generateCertPath(List.of(certificate)), parameters);
      }
      System.out.println(provider + " ok");
    }
  }

  private static X509Certificate read(CertificateFactory factory, String path) throws Exception {
    try (FileInputStream file = new FileInputStream(path)) {
      return (X509Certificate) factory.generateCertificate(file);
    }
  }
}

import { generate } from 'selfsigned';

export type Certificate = { key: string; cert: string };

/** A new RSA key of 2048 bits, as AWS has, and its self-signed certificate for 127.0.0.1 and names like a.keys.test, both as PEM. */
export async function newCertificate(): Promise<Certificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    algorithm: 'sha256',
    notBeforeDate: new Date(0), // valid whatever a test's clock says
    notAfterDate: new Date('2049-12-31'),
    extensions: [
      { name: 'basicConstraints', cA: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 7, ip: '127.0.0.1' },
          { type: 2, value: '*.keys.test' },
        ],
      },
    ],
  });
  return { key, cert };
}

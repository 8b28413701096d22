/** A certificate for https://127.0.0.1 that is made by the test, so that no key lies in the repository. */
import { generateKeyPairSync, sign } from 'node:crypto';

const DAY_MS = 86_400_000;

// Tags of DER (ITU-T X.690), as far as a certificate (RFC 5280, section 4.1) needs them.
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const IP_ADDRESS = 0x87;
const EXPLICIT = (tag: number): number => 0xa0 + tag;

const ECDSA_WITH_SHA256 = der(SEQUENCE, der(OBJECT_ID, Buffer.from('2a8648ce3d040302', 'hex')));
const COMMON_NAME = Buffer.from('550403', 'hex');
const SUBJECT_ALTERNATIVE_NAME = Buffer.from('551d11', 'hex');
const BASIC_CONSTRAINTS = Buffer.from('551d13', 'hex');

/** A self-signed certificate that is its own authority, valid today, and its key; both PEM. */
export function selfSigned(): { cert: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, der(OBJECT_ID, COMMON_NAME), der(UTF8_STRING, Buffer.from('Test')))),
  );
  const signed = der(
    SEQUENCE,
    der(EXPLICIT(0), der(INTEGER, Buffer.of(2))),
    der(INTEGER, Buffer.of(1)),
    ECDSA_WITH_SHA256,
    name,
    der(SEQUENCE, utcTime(Date.now() - DAY_MS), utcTime(Date.now() + DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      EXPLICIT(3),
      der(
        SEQUENCE,
        extension(SUBJECT_ALTERNATIVE_NAME, der(SEQUENCE, der(IP_ADDRESS, Buffer.of(127, 0, 0, 1)))),
        extension(BASIC_CONSTRAINTS, der(SEQUENCE, der(BOOLEAN, Buffer.of(0xff)))),
      ),
    ),
  );
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', signed, privateKey)]);
  return {
    cert: pem(der(SEQUENCE, signed, ECDSA_WITH_SHA256, der(BIT_STRING, signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...(length < 0x80 ? [length] : long)), content]);
}

function extension(id: Uint8Array, value: Uint8Array): Buffer {
  return der(SEQUENCE, der(OBJECT_ID, id), der(OCTET_STRING, value));
}

function utcTime(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

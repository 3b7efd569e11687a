import type { PeerCertificate } from 'node:tls';
import { LifeboatError } from '../../../core/index.ts';
import { type ConnectionSettings, describePlace } from '../connection-settings.ts';

const untrustedIssuer = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
];

/** A TLS handshake that failed, in words; undefined when the error is of another kind (a broken connection says nothing about trust). */
export function tlsFailure(
  error: unknown,
  settings: ConnectionSettings,
): LifeboatError | undefined {
  const { code, cert } = error as { code?: string; cert?: PeerCertificate };
  const cause = code === undefined ? undefined : explain(code, cert, settings);
  if (!cause) return undefined;
  const [fact, hint] = cause;
  return new LifeboatError(
    'postgres.untrusted',
    `no TLS with ${describePlace(settings)}: ${fact}`,
    { hint, context: { reason: code as string }, cause: error },
  );
}

function explain(
  code: string,
  cert: PeerCertificate | undefined,
  { host, sslRootCert, sslCert }: ConnectionSettings,
): readonly [fact: string, hint: string] | undefined {
  if (untrustedIssuer.includes(code)) {
    const trusted =
      sslRootCert === undefined
        ? 'a public authority'
        : sslRootCert === 'system'
          ? 'an authority that this machine trusts'
          : `an authority in ${sslRootCert}`;
    return [
      `its certificate is not signed by ${trusted} (${code})`,
      'Name the file with the certificate of its authority: sslrootcert=/path/root.crt in the URL.',
    ];
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return [
      'its certificate, or that of its authority, has expired',
      'Give the server a new certificate (ssl_cert_file), then SELECT pg_reload_conf(); see that the clocks are right.',
    ];
  }
  if (code === 'CERT_NOT_YET_VALID') {
    return ['its certificate is not valid yet', 'See that the clocks of both machines are right.'];
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return [
      `its certificate is for another name than ${host}: ${cert?.subjectaltname ?? cert?.subject?.CN}`,
      'Name the server in the URL as its certificate does, or use sslmode=verify-ca if the network leads nowhere else.',
    ];
  }
  if (/^ERR_(SSL|OSSL|TLS)_/.test(code)) {
    const own = sslCert
      ? 'See that our certificate (sslcert) is signed by an authority in the ssl_ca_file of the server, and belongs to sslkey.'
      : 'If it asks for a client certificate, name one with sslcert= and sslkey= in the URL.';
    return [`the handshake failed: ${code}`, own];
  }
  return undefined;
}

import { LifeboatError } from '../../../core/index.ts';

/** `place` must hold no credentials. */
export function unreachable(place: string, fact: string, cause?: unknown): LifeboatError {
  return new LifeboatError('location.unreachable', `could not reach ${place}: ${fact}`, {
    hint: 'See that the server runs and that this host can reach it. Trying again is safe.',
    retryable: true,
    cause,
  });
}

const certificateProblems = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Undefined when the error has nothing to do with a certificate. */
export function untrusted(place: string, cause: unknown): LifeboatError | undefined {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (!certificateProblems.has(code)) return undefined;
  return new LifeboatError(
    'location.refused',
    `the certificate of ${place} is not trusted: ${code}`,
    {
      hint: 'For a certificate authority of your own, name its PEM file in RESTIC_CACERT or NODE_EXTRA_CA_CERTS.',
      cause,
    },
  );
}

import { cancelled, LifeboatError } from '../../../core/index.ts';

/** The fields that errors of the SDK have; everything else about them changes. */
interface SdkError {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The HTTP status of the answer an error stands for, if there was one. */
export function statusOf(error: unknown): number | undefined {
  return (error as SdkError | undefined)?.$metadata?.httpStatusCode;
}

export function nameOf(error: unknown): string {
  return (error as SdkError | undefined)?.name ?? '';
}

const fullNames = /InsufficientStorage|StorageFull|QuotaExceeded|EntityTooLarge/;
/** Bytes that were damaged on their way, and servers that want to be asked later. */
const passing =
  /^(SlowDown|ServiceUnavailable|InternalError|RequestTimeout|Throttling|ThrottlingException|TooManyRequests|BadDigest|XAmzContent\w*Mismatch|IncompleteBody|ConditionalRequestConflict|OperationAborted)$/;

/** Turns what the SDK throws into ours. `attempted` holds no credentials; what the SDK says may, and stays out. */
export function s3Error(error: unknown, attempted: string, signal?: AbortSignal): LifeboatError {
  if (error instanceof LifeboatError) return error;
  if (signal?.aborted) return cancelled(signal);
  const status = statusOf(error);
  const name = nameOf(error);
  if (status === undefined) return withoutAnswer(error as SdkError, attempted);
  const fact = `${attempted}: the server answered ${status}${name === '' ? '' : ` ${name}`}`;
  if (name === 'NoSuchBucket') {
    return new LifeboatError('location.refused', `${attempted}: there is no such bucket`, {
      hint: 'Create it (with object lock, if backups are to be locked: it cannot be added at every provider later), or correct its name and the endpoint.',
      cause: error,
    });
  }
  if (status === 404 && !name.includes('Configuration')) {
    return new LifeboatError('location.file-missing', fact, { cause: error });
  }
  if (fullNames.test(name) || status === 507) {
    return new LifeboatError('disk.full', fact, {
      hint: 'The server has no space left, or its quota is used up. Nothing acknowledged is lost.',
      retryable: true,
      cause: error,
    });
  }
  if ((status >= 500 && status !== 501) || [408, 409, 429].includes(status) || passing.test(name)) {
    return new LifeboatError('location.unreachable', fact, {
      hint: 'Trying again is safe. When it lasts, look at the status page or log of the server.',
      retryable: true,
      cause: error,
    });
  }
  return new LifeboatError('location.refused', fact, {
    hint: refusalHint(name, status),
    cause: error,
  });
}

/** The file is shorter than what was asked for. */
export function endsEarly(attempted: string): LifeboatError {
  return new LifeboatError('repository.damaged', `${attempted}: the file ends early`, {
    hint: 'Run `lifeboat check` to see what is affected.',
  });
}

export function brokeOff(attempted: string, cause?: unknown): LifeboatError {
  return new LifeboatError(
    'location.unreachable',
    `${attempted}: the server broke off in the middle of its answer`,
    { hint: 'Trying again is safe.', retryable: true, cause },
  );
}

function withoutAnswer(error: SdkError, attempted: string): LifeboatError {
  if (error.name === 'CredentialsProviderError' || /[Cc]redential/.test(error.name ?? '')) {
    return new LifeboatError('location.refused', `${attempted}: no credentials were found`, {
      hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with ?profile=, or write ?anonymous=true for a public bucket.',
      cause: error,
    });
  }
  if (error instanceof TypeError || error instanceof RangeError) {
    return new LifeboatError('bug', `${attempted}: ${error.name}`, { cause: error });
  }
  const fact = error.code ?? error.name ?? 'no answer';
  return new LifeboatError('location.unreachable', `${attempted}: ${fact}`, {
    hint: 'See that the endpoint is right and that this host can reach it. Trying again is safe.',
    retryable: true,
    cause: error,
  });
}

function refusalHint(name: string, status: number): string {
  if (/^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken)/.test(name)) {
    return 'The access key, its secret or its session is wrong or has expired. Check where they come from.';
  }
  if (name === 'RequestTimeTooSkewed') return 'Set the clock of this host right.';
  if (/Redirect|AuthorizationHeaderMalformed|IllegalLocationConstraint/.test(name)) {
    return 'The bucket is in another region: name it with ?region= after the address.';
  }
  if (name === 'InvalidObjectState') {
    return 'The object lies in an archive class. Bring it back first; backups need a class that answers at once.';
  }
  if (name === 'InvalidRequest') {
    return 'If the repository has `lock:`, the bucket must have been created with object lock.';
  }
  // A question without a body gets an answer without one, so that the server cannot say more.
  if (name === 'InvalidBucketName' || (status === 400 && name === 'Unknown')) {
    return 'Look at the name of the bucket (3 to 63 small letters, digits, dots and hyphens) and at the region.';
  }
  const keys =
    status === 403 && name === 'Unknown' ? 'access key or its secret is wrong, or the ' : '';
  return `The ${keys}policy of these credentials does not allow it, or object lock keeps the file. The guide page "S3" lists what each role may do.`;
}

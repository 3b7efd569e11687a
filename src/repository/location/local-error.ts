import { fileError, LifeboatError } from '../../core/index.ts';

/**
 * For the bytes of a pack: one that the disk cannot read (EIO) is damaged, so that what lies in others is still restored and
 * checked. Never for what decides what is removed.
 */
export function localReadError(error: unknown, attempted: string): LifeboatError {
  if ((error as NodeJS.ErrnoException)?.code !== 'EIO') return localError(error, attempted);
  return new LifeboatError('repository.damaged', `${attempted}: the disk could not read it (EIO)`, {
    hint: 'Look at the health of the disk first. `lifeboat check --read-data` tells what is affected; a copy of the repository may have it.',
    cause: error,
  });
}

/** Turns an error of the file system into one of a location. */
export function localError(error: unknown, attempted: string): LifeboatError {
  if (error instanceof LifeboatError) return error;
  const code = (error as NodeJS.ErrnoException)?.code ?? String(error);
  const message = `${attempted}: ${code}`;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new LifeboatError('location.file-missing', message, {
        hint: 'See that the disk of the repository is mounted and the path is right.',
        cause: error,
      });
    case 'EEXIST':
      return new LifeboatError('location.refused', `${attempted}: it exists already`, {
        hint: 'Open the repository that is there, or choose another place.',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new LifeboatError('location.refused', message, {
        hint: 'Give the account that runs Lifeboat access to the folder of the repository.',
        cause: error,
      });
    case 'EIO':
    case 'ESTALE':
    case 'ENODEV':
    case 'ENOTCONN':
    case 'EHOSTDOWN':
    case 'ETIMEDOUT':
      return new LifeboatError('location.unreachable', message, {
        hint: 'The disk or network share of the repository does not answer; look at it first.',
        cause: error,
        retryable: true,
      });
    default:
      return fileError(error, attempted);
  }
}

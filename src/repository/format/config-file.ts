import { LifeboatError } from '../../core/index.ts';
import { isIrreducible } from './irreducible-polynomial.ts';
import { damaged, hashField, parseObject, textField } from './json-shape.ts';

export interface RepositoryConfig {
  readonly version: 1 | 2;
  /** 64 hex digits. */
  readonly id: string;
  /** For restic's own chunker, which checks it on every open. */
  readonly chunkerPolynomial: bigint;
}

export function encodeConfig(config: RepositoryConfig): string {
  const polynomial = config.chunkerPolynomial.toString(16);
  return `{"version":${config.version},"id":"${config.id}","chunker_polynomial":"${polynomial}"}`;
}

/** Errors: `repository.damaged`, `repository.unsupported`. */
export function decodeConfig(json: string): RepositoryConfig {
  const object = parseObject(json, 'config');
  const { version } = object;
  if (version !== 1 && version !== 2) {
    throw new LifeboatError(
      'repository.unsupported',
      `the repository has format version ${String(version)}, this program knows 1 and 2`,
      { hint: 'Use a newer Lifeboat.' },
    );
  }
  const text = textField(object, 'chunker_polynomial');
  if (!/^[0-9a-f]{1,16}$/.test(text)) throw damaged('config: the polynomial is none');
  const chunkerPolynomial = BigInt(`0x${text}`);
  if (!isIrreducible(chunkerPolynomial)) throw damaged('config: the polynomial is reducible');
  return { version, id: hashField(object, 'id'), chunkerPolynomial };
}

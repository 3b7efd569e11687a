import { assert } from '../../core/index.ts';
import { type BindFunction, bindToProcess } from './process-library.ts';

/** The two primitives of restic's envelope, straight from OpenSSL: a call of Node's costs as much as some KiB of the work. */
export interface EnvelopeCalls {
  /** AES-256-CTR from `iv`, both ways. `output` is as long as `input`: the same bytes, or others altogether. */
  turn(key: Uint8Array, iv: Uint8Array, input: Uint8Array, output: Uint8Array): void;
  /** Poly1305-AES (the AES-128 of `iv` under `k` is the one-time pad). A view of 16 bytes that the next call overwrites. */
  authenticate(k: Uint8Array, r: Uint8Array, iv: Uint8Array, text: Uint8Array): Uint8Array;
  /** Gives back what OpenSSL holds; nothing may be called any more. */
  free(): void;
}

type Call<Arguments extends readonly unknown[], Result = number> = (...args: Arguments) => Result;
type Bytes = Uint8Array;
type Pointer = bigint | null;

const mostBytes = 0x7fffffff;

/** Undefined where the program does not export what is needed (OpenSSL 3). */
export function openSslEnvelope(): EnvelopeCalls | undefined {
  return bindToProcess(bind);
}

function bind(func: BindFunction): EnvelopeCalls {
  const newCipher = func<Call<[], Pointer>>('void *EVP_CIPHER_CTX_new()');
  const freeCipher = func<Call<[Pointer], void>>('void EVP_CIPHER_CTX_free(void *context)');
  const aes256 = func<Call<[], Pointer>>('void *EVP_aes_256_ctr()');
  const aes128 = func<Call<[], Pointer>>('void *EVP_aes_128_ecb()');
  const init = func<Call<[Pointer, Pointer, null, Bytes | null, Bytes | null, 1]>>(
    'int EVP_CipherInit_ex(void *context, void *type, void *engine, const void *key, const void *iv, int encrypt)',
  );
  const padding = func<Call<[Pointer, 0]>>('int EVP_CIPHER_CTX_set_padding(void *context, int on)');
  const update = func<Call<[Pointer, Bytes, Bytes, Bytes, number]>>(
    'int EVP_CipherUpdate(void *context, void *output, void *outputLength, const void *input, int length)',
  );
  const fetchMac = func<Call<[null, string, null], Pointer>>(
    'void *EVP_MAC_fetch(void *library, const char *name, const char *properties)',
  );
  const freeMacType = func<Call<[Pointer], void>>('void EVP_MAC_free(void *type)');
  const newMac = func<Call<[Pointer], Pointer>>('void *EVP_MAC_CTX_new(void *type)');
  const freeMac = func<Call<[Pointer], void>>('void EVP_MAC_CTX_free(void *context)');
  const initMac = func<Call<[Pointer, Bytes, number, null]>>(
    'int EVP_MAC_init(void *context, const void *key, size_t length, void *parameters)',
  );
  const addToMac = func<Call<[Pointer, Bytes, number]>>(
    'int EVP_MAC_update(void *context, const void *input, size_t length)',
  );
  const endMac = func<Call<[Pointer, Bytes, Bytes, number]>>(
    'int EVP_MAC_final(void *context, void *tag, void *tagLength, size_t room)',
  );

  // A program that keeps to FIPS has no Poly1305, and what follows would take null for an object.
  const macType = fetchMac(null, 'POLY1305', null);
  if (!macType) throw new Error('there is no Poly1305');
  const [stream, block, mac] = [newCipher(), newCipher(), newMac(macType)];
  freeMacType(macType);
  const [streamType, blockType] = [aes256(), aes128()];
  if (!stream || !block || !mac || !streamType || !blockType) throw new Error('there is no AES');
  const length = new Uint8Array(8);
  const written = new Int32Array(length.buffer);
  const macKey = new Uint8Array(32);
  const tag = new Uint8Array(16);
  let streamKey: Bytes | undefined;
  let blockKey: Bytes | undefined;
  const done = (result: number) => assert(result === 1, 'OpenSSL does what it is asked');
  done(init(stream, streamType, null, null, null, 1));
  done(init(block, blockType, null, null, null, 1));
  done(padding(block, 0));

  return {
    turn(key, iv, input, output) {
      assert(output.length === input.length && input.length <= mostBytes, 'lengths are right');
      assert(key.length === 32 && iv.length === 16, 'key and IV are whole');
      done(init(stream, null, null, key === streamKey ? null : key, iv, 1));
      streamKey = key;
      if (input.length === 0) return;
      done(update(stream, output, length, input, input.length));
      assert(written[0] === input.length, 'all of it is turned');
    },
    authenticate(k, r, iv, text) {
      assert(k.length === 16 && r.length === 16 && iv.length === 16, 'key and IV are whole');
      if (k !== blockKey) done(init(block, null, null, k, null, 1));
      blockKey = k;
      macKey.set(r);
      done(update(block, macKey.subarray(16), length, iv, 16));
      done(initMac(mac, macKey, macKey.length, null));
      if (text.length > 0) done(addToMac(mac, text, text.length));
      done(endMac(mac, tag, length, tag.length));
      return tag;
    },
    free() {
      freeCipher(stream);
      freeCipher(block);
      freeMac(mac);
    },
  };
}

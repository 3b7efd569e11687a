/** What a service was made of when it was known to be good; recorded with every backup, compared after a deploy went wrong. JSON. */
export interface ServiceBaseline {
  /** Image as it was asked for, such as `shop-api:1.4`; absent where there are no images. */
  readonly image?: string;
  /** Content id of the image: what `image` meant then. */
  readonly imageDigest?: string;
  readonly command: readonly string[];
  /** Name of each environment variable and HMAC-SHA-256 of its value under the salt of the record, in hex: whether it changed, not what it is. */
  readonly environment: Readonly<Record<string, string>>;
  /** `8001/tcp -> 127.0.0.1:8001`. */
  readonly ports: readonly string[];
  /** Path and SHA-256 of the files that define it, such as its compose file. */
  readonly files: Readonly<Record<string, string>>;
}

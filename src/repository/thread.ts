// repository, for worker threads of other folders: what they need to store blobs and make trees by themselves, and nothing
// else. Loading all of `index.ts` costs each thread 0.2 s and 24 MB.

export type { ContentCutter } from './chunker/content-cutter.ts';
export { chunkMaxBytes, chunkWindowBytes } from './chunker/content-cutter.ts';
export { createRabinCutter } from './chunker/rabin-cutter.ts';
export { BlobSink, type SinkGrant } from './data-plane/blob-sink.ts';
export { goJsonString as jsonText } from './format/go-text.ts';
export {
  attributesText,
  byteText,
  linkTargetText,
  nameFromNodeText,
  nodeHead,
} from './format/node-text.ts';
export { nameBytes, nameFromBytes } from './format/raw-name.ts';
export type { BlobId, TreeNode } from './repository.ts';

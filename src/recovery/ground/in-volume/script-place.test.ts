import { scriptPlace } from '../../../../test/support/ground-places.ts';
import { testTreeGround } from '../ground-contract.ts';

testTreeGround(
  'the script with coreutils, in a folder behind a link',
  (context) => scriptPlace(context, 'coreutils'),
  { keepsAttributes: true, isKilled: true },
);

testTreeGround(
  'the script with busybox alone, in a mount point',
  (context) => scriptPlace(context, 'busybox'),
  { keepsAttributes: false, isKilled: false },
);

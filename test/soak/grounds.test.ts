import { testTreeGround } from '../../src/recovery/ground/ground-contract.ts';
import { dockerVolumePlace, folderPlace, scriptPlace, sshPlace } from '../support/ground-places.ts';

testTreeGround(
  'folder behind a link, copied from another file system',
  (context) => folderPlace(context, 'link'),
  { keepsAttributes: true, isKilled: true },
);

testTreeGround('folder that is a mount point', (context) => folderPlace(context, 'mount point'), {
  keepsAttributes: true,
  isKilled: true,
});

testTreeGround(
  'the script with busybox alone, in a mount point',
  (context) => scriptPlace(context, 'busybox'),
  { keepsAttributes: false, isKilled: true },
);

testTreeGround('another host over SSH', sshPlace, { keepsAttributes: true, isKilled: false });

testTreeGround('docker volume', dockerVolumePlace, { keepsAttributes: false, isKilled: false });

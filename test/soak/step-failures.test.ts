// Each kind of step, each way of failing, gone on with and given up.
import { describe } from 'vitest';
import { serversUnderTest } from '../support/servers.ts';
import {
  withContainers,
  withoutServer,
  withServer,
} from '../support/step-failures/all-failures.ts';
import { testFailures } from '../support/step-failures/test-failures.ts';

describe('without a server', () => testFailures(withoutServer, 'whole'));
describe('in containers', () => testFailures(withContainers, 'whole'));
describe('on a server', () => testFailures(withServer, 'whole', serversUnderTest(15)[0]));

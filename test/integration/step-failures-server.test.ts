// Kinds of steps that work on a real database server, each way of failing, as `step-failures.test.ts`.
import { serversUnderTest } from '../support/servers.ts';
import { onAServer } from '../support/step-failures/on-a-server.ts';
import { testFailures } from '../support/step-failures/test-failures.ts';

testFailures([onAServer], 'half', serversUnderTest(15)[0]);

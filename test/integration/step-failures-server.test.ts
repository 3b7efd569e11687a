// Kinds of steps that work on a real database server, as `step-failures.test.ts`; all of them: `test/soak/step-failures.test.ts`.
import { serversUnderTest } from '../support/servers.ts';
import { withServer } from '../support/step-failures/all-failures.ts';
import { testFailures } from '../support/step-failures/test-failures.ts';

testFailures(withServer, 'quick', serversUnderTest(15)[0]);

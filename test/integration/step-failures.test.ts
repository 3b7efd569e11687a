// Each kind of step, each way of failing, in a run with real parts: it stops in a named state that says what holds and what to do; once the
// cause is put right it goes on to its end, and given up it leaves what was before. Both endings of each: `test/soak/step-failures.test.ts`.
import { byCommands } from '../support/step-failures/by-commands.ts';
import { byPeople } from '../support/step-failures/by-people.ts';
import { byServices } from '../support/step-failures/by-services.ts';
import { inContainers } from '../support/step-failures/in-containers.ts';
import { onFolders } from '../support/step-failures/on-folders.ts';
import { testFailures } from '../support/step-failures/test-failures.ts';

testFailures([byCommands, byServices, byPeople, onFolders, inContainers], 'half');

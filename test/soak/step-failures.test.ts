// Each kind of step, each way of failing, gone on with and given up.
import { byCommands } from '../support/step-failures/by-commands.ts';
import { byPeople } from '../support/step-failures/by-people.ts';
import { byServices } from '../support/step-failures/by-services.ts';
import { onFolders } from '../support/step-failures/on-folders.ts';
import { testFailures } from '../support/step-failures/test-failures.ts';

testFailures([byCommands, byServices, byPeople, onFolders], 'whole');

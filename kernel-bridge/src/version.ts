/** The version that the server, the command and the readiness line report. */
import manifest from '../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;

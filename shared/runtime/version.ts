// The package's version, which a bundle holds too.

import packageJson from '../../package.json' with { type: 'json' }

export const packageVersion = packageJson.version

// Loaded before everything else (`node --import`): Millrace's TypeScript runs on Node 24 without a build step.
// `npm ci` brings that runtime where the registry has it; where it has not, say so in one sentence and stop.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(
    `Millrace needs Node 24 and this is Node ${process.versions.node}: run "npm ci" (it brings Node 24 for Linux, ` +
      'Windows and Intel macOS) and start through "npm start" or "npm run", or install Node 24 yourself.\n',
  )
  process.exit(1)
}

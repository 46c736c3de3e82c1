// Loaded into a measured server before its own code: answers the parent's question for the peak of its
// memory, which the system counts, so that no peak falls between two looks. The server does not outlive the
// parent.

process.on('message', () => {
  process.send?.(process.resourceUsage().maxRSS * 1024)
})
process.on('disconnect', () => process.exit())
process.channel?.unref()

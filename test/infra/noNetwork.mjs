// Loaded before a process's own code: whoever looks up a name or opens a socket of the network is stopped. At its end
// the process says how much of the processor it took, which does not depend on what else the machine does.
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

const refuse = (what) => {
  const error = new Error(`no network: ${what}`)
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
  throw error
}

const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) {
  const [options] = Array.isArray(args[0]) ? args[0] : args
  if (typeof options === 'object' && options !== null && 'path' in options && options.path) {
    return connect.apply(this, args)
  }
  return refuse(`a connection to ${JSON.stringify(options)}`)
}
for (const name of Object.keys(dns).filter((name) => /^(lookup|resolve|reverse)/.test(name))) {
  dns[name] = (host) => refuse(`a look-up of ${host}`)
}
for (const name of Object.keys(dns.promises).filter((name) => /^(lookup|resolve|reverse)/.test(name))) {
  dns.promises[name] = (host) => refuse(`a look-up of ${host}`)
}
syncBuiltinESMExports()

process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  process.stderr.write(`processor: ${Math.round((user + system) / 1000)} ms\n`)
})

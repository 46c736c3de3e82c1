// Which function answers a request: path and method decide, at the edge, before anything else. The rule is tested here
// and shipped as it stands, as text, so it uses nothing from outside itself and nothing newer than CloudFront's
// JavaScript runtime 2.0 knows.

import { calledHostHeader, clientAddressHeader } from '../shared/runtime/frontDoorHeaders.ts'

export const produceOrigin = 'produce'
export const fetchOrigin = 'fetch'

/** What appends goes to the function that gathers appends; all else, the whole administration too, to the other. */
export function isProduce(method: string, uri: string): boolean {
  if (method !== 'POST') return false
  const path = uri.replace(/%3[aA]/g, ':')
  return (
    /^(\/kafka)?\/v3\/clusters\/[^/]+\/topics\/[^/]+\/records(:batch)?$/.test(path) ||
    /^(\/kafka)?\/v3\/clusters\/[^/]+\/topics\/[^/]+\/partitions\/[^/]+\/records$/.test(path) ||
    /^(\/kafka)?\/v3\/clusters\/[^/]+\/producers$/.test(path) ||
    /^\/topics\/[^/]+(\/partitions\/[^/]+)?$/.test(path)
  )
}

/** A CloudFront function of the event "viewer request". Node has left blanks where the types were. */
export function routerCode(): string {
  const rule = isProduce.toString().replace(/[ \t]+/g, ' ')
  return `import cf from 'cloudfront'
${rule}
function handler(event) {
  var request = event.request
  request.headers['${calledHostHeader}'] = { value: request.headers.host.value }
  request.headers['${clientAddressHeader}'] = { value: event.viewer.ip }
  cf.selectRequestOriginById(isProduce(request.method, request.uri) ? '${produceOrigin}' : '${fetchOrigin}')
  return request
}
`
}

// What the front door adds to each request, by the names that both sides of it go by.

/** Its secret; who comes without is refused. */
export const originSecretHeader = 'x-millrace-origin'

/** The client's address, for bindings that name one. */
export const clientAddressHeader = 'x-millrace-client'

/** The host name that the client called, for the links in answers. */
export const calledHostHeader = 'x-forwarded-host'

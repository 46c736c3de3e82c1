// Identity by client certificate: the gateway's word, where there is one that has the door's secret, and nobody else's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseWebConfig } from '../../../shared/runtime/awsConfig.ts'
import { behindFrontDoor } from '../../../shared/runtime/frontDoor.ts'
import { parsePrincipalMapping } from '../../../shared/security/principalMapping.ts'
import { createTestTenants } from '../../support/testTenants.ts'

const header = 'x-amzn-mtls-clientcert-subject'
const mapSubject = parsePrincipalMapping('RULE:CN=(\\w+),OU=Services.*/$1/L')
const certificates = { header, mapSubject, clusterId: 'local' }
const subject = { [header]: 'CN=Billing,OU=Services,O=Example' }
const log = '/v3/clusters/local/topics'

test('the subject that the gateway says is the principal, whose rights are its bindings', async () => {
  const { app, operator } = await createTestTenants({ certificates })
  await operator('POST', '/topics', { topic_name: 'orders' })
  const binding = {
    resource_type: 'TOPIC',
    resource_name: 'orders',
    pattern_type: 'LITERAL',
    principal: 'User:billing',
    host: '*',
    operation: 'READ',
    permission: 'ALLOW',
  }
  assert.equal((await operator('POST', '/acls', binding)).status, 201)
  assert.equal((await app.request(`${log}/orders`, { headers: subject })).status, 200)
  assert.equal((await app.request(`${log}/others`, { headers: subject })).status, 403)
  assert.equal((await app.request('/cmk/v2/clusters', { headers: subject })).status, 403)
})

test('where no gateway is configured the header says nothing, and credentials go before it', async () => {
  const without = await createTestTenants()
  assert.equal((await without.app.request(log, { headers: subject })).status, 401)
  const { app } = await createTestTenants({ certificates })
  const both = { ...subject, authorization: 'Basic eDp5' }
  assert.equal((await app.request(log, { headers: both })).status, 401)
})

test('a subject that no rule takes, an empty and an endless one are refused', async () => {
  const { app } = await createTestTenants({ certificates })
  for (const wrong of ['', 'CN=billing', `CN=a,OU=Services${'x'.repeat(3000)}`]) {
    const { status } = await app.request(log, { headers: { [header]: wrong } })
    assert.equal(status, 401, wrong)
  }
})

test('without the door’s secret nobody is asked who he is', async () => {
  const { app } = await createTestTenants({ certificates })
  const secret = 'a secret of thirty-two characters'
  const door = behindFrontDoor([secret], (request) => app.fetch(request))
  const ask = async (headers: Record<string, string>) =>
    (await door(new Request(`http://localhost${log}`, { headers }))).status
  assert.equal(await ask(subject), 403)
  assert.equal(await ask({ ...subject, 'x-millrace-origin': secret }), 200)
})

test('the settings name the header and the rules, and what cannot be read is refused', () => {
  const secret = 'a secret of thirty-two characters'
  const environment = {
    BUCKET: 'b',
    TABLE: 't',
    CLUSTER_ID: 'acme',
    STAGE: 'dev',
    ORIGIN_SECRET: secret,
    PEPPER: secret,
    AWS_LAMBDA_HTTP_ENDPOINT: '0.0.0.0:3000',
  }
  assert.equal(parseWebConfig(environment).certificates, undefined)
  const parsed = parseWebConfig({ ...environment, CLIENT_CERT_SUBJECT_HEADER: header }).certificates
  assert.equal(parsed?.clusterId, 'acme')
  assert.equal(parsed?.mapSubject('CN=x'), 'CN=x')
  assert.throws(
    () => parseWebConfig({ ...environment, CLIENT_CERT_SUBJECT_HEADER: 'authorization' }),
    /begins with x-/,
  )
  const rules = { CLIENT_CERT_SUBJECT_HEADER: header, SSL_PRINCIPAL_MAPPING_RULES: 'RULE:x' }
  assert.throws(() => parseWebConfig({ ...environment, ...rules }), /SSL_PRINCIPAL_MAPPING_RULES/)
})

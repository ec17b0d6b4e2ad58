// SPDX-License-Identifier: MIT
// The same cases, decided by somebody else: reads what policies.py writes, a line of answer each.
// usage: node oracle.mjs <folder that has node_modules>
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const root = pathToFileURL(process.argv[2] + '/node_modules/@cloud-copilot/')
const load = (path) => import(new URL(path, root))
const { loadPolicy } = await load('iam-policy/dist/esm/index.js')
const simulate = 'iam-simulate/dist/esm/'
const { authorize } = await load(simulate + 'core_engine/CoreSimulatorEngine.js')
const { AwsRequestImpl } = await load(simulate + 'request/request.js')
const { RequestContextImpl } = await load(simulate + 'requestContext.js')
const { DiscoveryContextKeyConstraints } = await load(
  simulate + 'context_keys/discoveryContextKeyConstraints.js',
)

const everything = (more) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*', ...more }],
})
const policy = (document, name) => document && loadPolicy(document, { name })
const organization = (document) => [
  { orgIdentifier: 'o', policies: [loadPolicy(document, { name: 'o' })] },
]

// Its own entrance for this takes neither session policies nor resource policies in this version.
function decide(given) {
  const where = { resource: given.resource, accountId: given.owner ?? given.account ?? '' }
  const context = new RequestContextImpl(given.facts)
  const who = given.service ?? given.federated ?? given.arn ?? { type: 'Anonymous' }
  return authorize({
    request: new AwsRequestImpl(who, where, given.action, context),
    sessionPolicy: policy(given.session, 'session'),
    identityPolicies: given.identity ? [policy(given.identity, 'identity')] : [],
    serviceControlPolicies: organization(given.control ?? everything()),
    resourceControlPolicies: organization(everything({ Principal: '*' })),
    resourcePolicy: policy(given.resource_policy ?? given.trust, 'resource'),
    permissionBoundaries: given.boundary ? [policy(given.boundary, 'boundary')] : undefined,
    vpcEndpointPolicies: undefined,
    simulationParameters: {
      simulationMode: 'Strict',
      discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]),
    },
    serviceSettings: {},
  }).result
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(decide(JSON.parse(line)))
}

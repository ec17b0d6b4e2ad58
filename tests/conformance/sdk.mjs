// SPDX-License-Identifier: MIT
// AWS's SDK for JavaScript against the API: a line of JSON each, {"title", "found": [what is wrong]}.
// usage: node sdk.mjs <folder that has node_modules> <endpoint> <folder with echo.zip and parts.zip>
import { strict as assert } from 'node:assert'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [modules, endpoint, folder] = process.argv.slice(2)
const lambda = createRequire(modules + '/')('@aws-sdk/client-lambda')
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const PATIENCE = { maxWaitTime: 30, minDelay: 1, maxDelay: 1 }

const open = (more) => new lambda.LambdaClient({ endpoint, region: 'us-east-1', credentials: KEYS, maxAttempts: 1, ...more })
const client = open()
const send = (operation, input) => client.send(new lambda[operation + 'Command'](input))
const text = (bytes) => Buffer.from(bytes).toString()
const invoke = (FunctionName, event, more) => send('Invoke', { FunctionName, Payload: JSON.stringify(event), ...more })

async function create(name, method, more) {
  const [file] = method.split('.')
  await send('CreateFunction', {
    FunctionName: name, Role: 'arn:aws:iam::000000000000:role/r', Runtime: 'provided.al2023', Handler: method,
    Timeout: 3, Code: { ZipFile: readFileSync(`${folder}/${file}.zip`) }, ...more,
  })
  await lambda.waitUntilFunctionActiveV2({ client, ...PATIENCE }, { FunctionName: name })
}

async function refusal(promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  return assert.fail('it was not refused')
}

async function stream(name, event) {
  const answer = await send('InvokeWithResponseStream', { FunctionName: name, Payload: JSON.stringify(event), LogType: 'Tail' })
  let bytes = 0, parts = 0, end
  for await (const one of answer.EventStream) {
    assert.equal(end, undefined)
    if (one.PayloadChunk) {
      parts++
      bytes += one.PayloadChunk.Payload.length
    }
    end = one.InvokeComplete
  }
  return { status: answer.StatusCode, version: answer.ExecutedVersion, bytes, parts, end }
}

const tests = {
  async an_invocation_is_answered_with_payload_status_and_version() {
    const answer = await invoke('f', { a: [1, null, '\u00fc'] })
    assert.deepEqual(JSON.parse(text(answer.Payload)), { a: [1, null, '\u00fc'] })
    assert.deepEqual([answer.StatusCode, answer.ExecutedVersion, answer.FunctionError], [200, '$LATEST', undefined])
    assert.equal(answer.$metadata.attempts, 1)
    assert.match(answer.$metadata.requestId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  },
  async six_megabytes_go_both_ways_and_one_byte_more_is_refused() {
    const most = 'x'.repeat(6291456 - 2)
    assert.equal(JSON.parse(text((await invoke('f', most)).Payload)), most)
    const error = await refusal(invoke('f', most + 'x'))
    assert.deepEqual([error.name, error.$metadata.httpStatusCode], ['RequestEntityTooLargeException', 413])
  },
  async an_event_is_accepted_and_a_dry_run_answered() {
    assert.equal((await invoke('f', 1, { InvocationType: 'Event' })).StatusCode, 202)
    assert.equal((await invoke('f', 1, { InvocationType: 'DryRun' })).StatusCode, 204)
  },
  async the_tail_of_the_log_comes_if_it_is_asked_for() {
    const answer = await invoke('f', 1, { LogType: 'Tail' })
    assert.match(Buffer.from(answer.LogResult, 'base64').toString(), /^START RequestId: [^]*\nREPORT RequestId: /)
    assert.equal((await invoke('f', 1)).LogResult, undefined)
  },
  async a_function_that_fails_is_an_answer_and_no_exception() {
    const answer = await invoke('fails', 1)
    assert.deepEqual([answer.StatusCode, answer.FunctionError], [200, 'Unhandled'])
    assert.equal(JSON.parse(text(answer.Payload)).errorType, 'Echo.Refused')
  },
  async each_way_to_end_has_its_error() {
    const hungry = ['eat', 0, 'Runtime.ExitError', 'Runtime exited with error: signal: killed', 'Runtime.OutOfMemory']
    for (const [method, event, type, message, reported] of [
      ...process.env.TEST_SANITIZED ? [] : [hungry], // a sanitizer has no limit of memory
      ['exit', 0, 'Runtime.ExitError', 'Runtime exited without providing a reason'],
      ['exit', 7, 'Runtime.ExitError', 'Runtime exited with error: exit status 7'],
      ['segv', 0, 'Runtime.ExitError', 'Runtime exited with error: signal: segmentation fault'],
      ['kill_self', 9, 'Runtime.ExitError', 'Runtime exited with error: signal: killed'],
      ['sleep_ms', 60000, 'Sandbox.Timedout', 'Task timed out after 1.00 seconds'],
    ]) {
      const name = `ends-by-${method}-${event}`
      await create(name, `echo.${method}`, { Timeout: method === 'sleep_ms' ? 1 : 30 })
      const answer = await invoke(name, event, { LogType: 'Tail' })
      const { errorType, errorMessage } = JSON.parse(text(answer.Payload))
      const log = Buffer.from(answer.LogResult, 'base64').toString()
      assert.ok(!reported || log.endsWith(`Error Type: ${reported}\n`), log)
      assert.deepEqual([answer.FunctionError, errorType], ['Unhandled', type])
      assert.ok(errorMessage.endsWith(message), errorMessage)
    }
  },
  async exceptions_are_of_their_classes() {
    for (const [act, kind, status] of [
      [() => invoke('nobody', 1), 'ResourceNotFoundException', 404],
      [() => send('Invoke', { FunctionName: 'f', Payload: '{' }), 'InvalidRequestContentException', 400],
      [() => create('f', 'echo.echo'), 'ResourceConflictException', 409],
      [() => create('x', 'echo.echo', { Runtime: 'ruby3.3' }), 'InvalidParameterValueException', 400],
      [() => send('PublishVersion', { FunctionName: 'f', CodeSha256: 'other' }), 'InvalidParameterValueException', 400],
      [() => send('PublishVersion', { FunctionName: 'f', RevisionId: 'old' }), 'PreconditionFailedException', 412],
      [() => send('GetPolicy', { FunctionName: 'f' }), 'ResourceNotFoundException', 404],
      [() => create('y', 'echo.echo', { Code: { ZipFile: Buffer.from('no ZIP') } }), 'InvalidParameterValueException', 400],
    ]) {
      const error = await refusal(act())
      assert.ok(error instanceof lambda[kind], `${error}, not ${kind}`)
      assert.deepEqual([error.name, error.$metadata.httpStatusCode], [kind, status])
      assert.ok(error.message, kind)
    }
  },
  async a_throttle_says_why_and_when_to_come_again() {
    await send('PutFunctionConcurrency', { FunctionName: 'f', ReservedConcurrentExecutions: 0 })
    const error = await refusal(invoke('f', 1))
    await send('DeleteFunctionConcurrency', { FunctionName: 'f' })
    assert.ok(error instanceof lambda.TooManyRequestsException, `${error}`)
    assert.equal(error.Reason, 'ReservedFunctionConcurrentInvocationLimitExceeded')
    assert.match(error.retryAfterSeconds, /^[1-9]/)
    assert.equal(error.$metadata.attempts, 1)
  },
  async a_throttle_that_clears_is_tried_again_by_the_client() {
    const patient = open({ maxAttempts: 9 })
    let attempts = 0
    patient.middlewareStack.add((next) => async (args) => {
      if (++attempts === 3)
        await send('DeleteFunctionConcurrency', { FunctionName: 'f' })
      return next(args)
    }, { step: 'finalizeRequest', priority: 'low' })
    await send('PutFunctionConcurrency', { FunctionName: 'f', ReservedConcurrentExecutions: 0 })
    const answer = await patient.send(new lambda.InvokeCommand({ FunctionName: 'f', Payload: '7' }))
    assert.deepEqual([text(answer.Payload), answer.$metadata.attempts, attempts], ['7', 3, 3])
    patient.destroy()
  },
  async an_answer_in_parts_is_read_as_it_comes() {
    await create('parts', 'parts.megabytes')
    const { status, version, bytes, parts, end } = await stream('parts', 9)
    assert.deepEqual([status, version, bytes], [200, '$LATEST', 9 << 20])
    assert.ok(parts >= 9, `${parts} parts`)
    assert.equal(end.ErrorCode, undefined)
    assert.match(Buffer.from(end.LogResult, 'base64').toString(), /^START RequestId: /)
  },
  async an_answer_in_parts_that_fails_says_so_at_its_end() {
    await create('half', 'parts.ends', { Timeout: 1 })
    for (const [how, type] of [
      ['fail', 'Parts.Failed'], ['crash', 'Runtime.ExitError'], ['exit', 'Runtime.ExitError'], ['hang', 'Sandbox.Timedout'],
    ]) {
      const { bytes, end } = await stream('half', how)
      assert.deepEqual([bytes, end.ErrorCode], [4, type])
      assert.ok(end.ErrorDetails, how)
    }
    const { bytes, end } = await stream('half', 'well')
    assert.deepEqual([bytes, end.ErrorCode], [4, undefined])
  },
  async a_function_is_made_changed_published_listed_and_deleted() {
    const FunctionName = 'life'
    await create(FunctionName, 'echo.echo', { MemorySize: 256, Environment: { Variables: { AB: '1' } } })
    await send('UpdateFunctionConfiguration', { FunctionName, Timeout: 9, Environment: { Variables: { AB: '2' } } })
    await lambda.waitUntilFunctionUpdatedV2({ client, ...PATIENCE }, { FunctionName })
    const { Configuration } = await send('GetFunction', { FunctionName })
    assert.deepEqual(
      [Configuration.MemorySize, Configuration.Timeout, Configuration.Environment.Variables], [256, 9, { AB: '2' }])
    await send('UpdateFunctionCode', { FunctionName, ZipFile: readFileSync(`${folder}/parts.zip`) })
    await lambda.waitUntilFunctionUpdatedV2({ client, ...PATIENCE }, { FunctionName })
    await send('UpdateFunctionConfiguration', { FunctionName, Handler: 'parts.ends' })
    await lambda.waitUntilFunctionUpdatedV2({ client, ...PATIENCE }, { FunctionName })
    assert.equal(text((await invoke(FunctionName, 'well')).Payload), 'half')
    assert.equal((await send('PublishVersion', { FunctionName })).Version, '1')
    await send('CreateAlias', { FunctionName, Name: 'live', FunctionVersion: '1' })
    assert.equal((await invoke(FunctionName, 'well', { Qualifier: 'live' })).ExecutedVersion, '1')
    const names = []
    for await (const page of lambda.paginateListFunctions({ client, pageSize: 1 }, {}))
      names.push(...page.Functions.map((one) => one.FunctionName))
    assert.ok(names.includes(FunctionName) && names.includes('f'), `${names}`)
    assert.equal(new Set(names).size, names.length)
    await send('DeleteFunction', { FunctionName })
    assert.ok(await refusal(invoke(FunctionName, 1)) instanceof lambda.ResourceNotFoundException)
  },
  async a_waiter_ends_when_code_cannot_be_unpacked() {
    const error = await refusal(create('broken', 'broken.x'))
    assert.match(`${error}`, /FAILURE|Failed/)
    assert.equal((await send('GetFunctionConfiguration', { FunctionName: 'broken' })).State, 'Failed')
    assert.ok(await refusal(invoke('broken', 1)) instanceof lambda.ResourceConflictException)
  },
  async fifty_at_once_are_all_answered() {
    const answers = await Promise.all([...Array(50).keys()].map((n) => invoke('f', n)))
    assert.deepEqual(answers.map((one) => Number(text(one.Payload))), [...Array(50).keys()])
  },
  async who_signs_with_the_wrong_key_is_not_let_in() {
    for (const [more, name] of [
      [{ secretAccessKey: 'other' }, 'InvalidSignatureException'], [{ accessKeyId: 'AKIDOTHER' }, 'UnrecognizedClientException'],
    ]) {
      const stranger = open({ credentials: { ...KEYS, ...more } })
      const error = await refusal(stranger.send(new lambda.InvokeCommand({ FunctionName: 'f', Payload: '7' })))
      assert.deepEqual([error.name, error.$metadata.httpStatusCode], [name, 403])
      stranger.destroy()
    }
  },
}

for (const [title, test] of Object.entries(tests)) {
  const found = []
  await test().catch((error) => found.push(`${error.stack}`))
  console.log(JSON.stringify({ title, found }))
}

// SPDX-License-Identifier: MIT
let calls = 0;

exports.handler = async () => ++calls;

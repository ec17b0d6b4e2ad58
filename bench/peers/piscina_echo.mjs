// SPDX-License-Identifier: MIT
export default (event) => event;

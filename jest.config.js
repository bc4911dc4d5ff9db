'use strict'

module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testEnvironment: '<rootDir>/test/environment.js',
  transform: { '\\.ts$': 'ts-jest' },
  collectCoverageFrom: ['lib/**/*.ts']
}

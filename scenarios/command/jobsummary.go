// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// jobSummary names the environment variable with the file that GitHub and Forgejo show as the summary of a job, as
// Markdown. It is appended to, since other commands of the job may have written to it.
const jobSummary = "GITHUB_STEP_SUMMARY"

// appendJobSummary writes Markdown for the job summary where there is one.
func appendJobSummary(write func(io.Writer) error) error {
	path := os.Getenv(jobSummary)
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("job summary: %w", err)
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return fmt.Errorf("job summary %s: %w", path, err)
	}
	return nil
}

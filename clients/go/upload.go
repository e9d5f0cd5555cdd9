package lensfeed

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	mediav1 "lensfeed.example/client/gen/lensfeed/media/v1"
)

const pollInterval = 200 * time.Millisecond

// Upload sends a photo or video in parts and returns it. It is not READY yet.
func (c *Client) Upload(
	ctx context.Context, file io.ReaderAt, sizeBytes int64, contentType, altText string,
) (*mediav1.Media, error) {
	started, err := c.Media.StartUpload(ctx, &mediav1.StartUploadRequest{
		ContentType: contentType,
		SizeBytes:   sizeBytes,
		AltText:     altText,
	})
	if err != nil {
		return nil, err
	}
	from := int64(0)
	for _, part := range started.GetParts() {
		if err := put(ctx, part, io.NewSectionReader(file, from, part.GetSizeBytes())); err != nil {
			return nil, err
		}
		from += part.GetSizeBytes()
	}
	// Without ETags, the server uses the parts that S3 has.
	done, err := c.Media.CompleteUpload(ctx, &mediav1.CompleteUploadRequest{MediaId: started.GetMediaId()})
	return done.GetMedia(), err
}

func put(ctx context.Context, part *mediav1.UploadPart, body io.Reader) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, part.GetUrl(), body)
	if err != nil {
		return err
	}
	request.ContentLength = part.GetSizeBytes()
	for name, value := range part.GetHeaders() {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("part %d was refused: %s", part.GetNumber(), answer.Status)
	}
	return nil
}

// UntilReady waits until a medium is READY and returns it. Posts need not wait: they are published once their media are ready.
func (c *Client) UntilReady(ctx context.Context, mediaID string) (*mediav1.Media, error) {
	for {
		answer, err := c.Media.GetMedia(ctx, &mediav1.GetMediaRequest{MediaId: mediaID})
		if err != nil {
			return nil, err
		}
		switch media := answer.GetMedia(); media.GetState() {
		case mediav1.MediaState_MEDIA_STATE_READY:
			return media, nil
		case mediav1.MediaState_MEDIA_STATE_REJECTED:
			return nil, fmt.Errorf("%s: %s", media.GetFailure().GetReason(), media.GetFailure().GetMessage())
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pollInterval):
		}
	}
}

// Two users sign up. One posts a photo; the other follows her and finds it in the feed.
//
//	LENSFEED_URL=http://127.0.0.1:8080 go run ./cmd/tour photo.jpg
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	lensfeed "lensfeed.example/client"
	followv1 "lensfeed.example/client/gen/lensfeed/follow/v1"
	postv1 "lensfeed.example/client/gen/lensfeed/post/v1"
	userv1 "lensfeed.example/client/gen/lensfeed/user/v1"
)

const (
	limit     = 2 * time.Minute
	lookAgain = 200 * time.Millisecond
)

type person struct {
	*lensfeed.Client
	id int64
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run ./cmd/tour photo.jpg")
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := tour(ctx, cmp.Or(os.Getenv("LENSFEED_URL"), "http://127.0.0.1:8080"), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func tour(ctx context.Context, url, photo string) error {
	ada, err := signUp(ctx, url, "ada")
	if err != nil {
		return err
	}
	defer ada.Close()
	ben, err := signUp(ctx, url, "ben")
	if err != nil {
		return err
	}
	defer ben.Close()
	if _, err := ben.Follows.CreateFollow(ctx, &followv1.CreateFollowRequest{FolloweeId: ada.id}); err != nil {
		return err
	}
	postID, err := ada.postPhoto(ctx, photo)
	if err != nil {
		return err
	}
	if err := ben.find(ctx, postID); err != nil {
		return err
	}
	_, err = ada.Follows.CreateFollow(ctx, &followv1.CreateFollowRequest{FolloweeId: ada.id})
	fmt.Println("refused:", lensfeed.Reason(err))
	return resume(ctx, url, ben)
}

func signUp(ctx context.Context, url, name string) (*person, error) {
	client, err := lensfeed.Connect(url)
	if err != nil {
		return nil, err
	}
	handle, password := name+"_"+strings.ToLower(rand.Text()[:8]), rand.Text()
	account := &userv1.CreateUserRequest{Handle: handle, DisplayName: name, Password: password}
	if _, err := client.Users.CreateUser(ctx, account); err != nil {
		return nil, err
	}
	user, err := client.LogIn(ctx, handle, password)
	if err != nil {
		return nil, err
	}
	fmt.Printf("signed up: @%s (%d)\n", handle, user.GetUserId())
	return &person{client, user.GetUserId()}, nil
}

func (p *person) postPhoto(ctx context.Context, path string) (string, error) {
	photo, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer photo.Close()
	about, err := photo.Stat()
	if err != nil {
		return "", err
	}
	media, err := p.Upload(ctx, photo, about.Size(), "image/jpeg", "Colours that run into each other")
	if err != nil {
		return "", err
	}
	if media, err = p.UntilReady(ctx, media.GetMediaId()); err != nil {
		return "", err
	}
	fmt.Printf("ready: %d x %d, %d renditions\n", media.GetWidth(), media.GetHeight(), len(media.GetRenditions()))
	request := &postv1.CreatePostRequest{Caption: "From Go", MediaIds: []string{media.GetMediaId()}}
	answer, err := p.Posts.CreatePost(ctx, request)
	if err != nil {
		return "", err
	}
	fmt.Println("posted:", answer.GetPostId())
	return answer.GetPostId(), nil
}

// A post reaches its followers' feeds a moment after it is published.
func (p *person) find(ctx context.Context, postID string) error {
	for {
		for item, err := range p.Feed(ctx) {
			if err != nil {
				return err
			}
			if item.GetPost().GetPostId() == postID {
				fmt.Printf("read: %s by @%s\n", postID, item.GetAuthor().GetHandle())
				return nil
			}
		}
		time.Sleep(lookAgain)
	}
}

// A later run resumes with stored tokens and renews them by itself.
func resume(ctx context.Context, url string, earlier *person) error {
	later, err := lensfeed.Connect(url)
	if err != nil {
		return err
	}
	defer later.Close()
	kept := earlier.Tokens()
	kept.Access = "expired"
	later.Resume(kept)
	answer, err := later.Users.GetUser(ctx, &userv1.GetUserRequest{UserId: earlier.id})
	if err != nil {
		return err
	}
	fmt.Printf("renewed: @%s\n", answer.GetUser().GetHandle())
	return nil
}
